export const DATABASE_NAME = 'ecomarket';
