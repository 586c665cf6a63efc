import type { Noun } from '../noun.js';

/** Where stock may lie. No command adds a location. */
export const locations = {
  keys: { locations: 'all' },
  state: {
    /** Those of the requested ones that exist. */
    locations: () => new Set<string>(),
  },
  rows: {},
} satisfies Noun;
