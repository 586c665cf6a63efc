import type { Noun } from '../noun.js';

/** Places that hold stock. No command adds one. */
export const locations = {
  keys: { locations: 'all' },
  state: {
    /** The requested locations that exist. */
    locations: () => new Set<string>(),
  },
  rows: {},
} satisfies Noun;
