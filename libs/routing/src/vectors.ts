import vectors from './vectors.json';

/** What two implementations of the hash and of the ids must agree on; `vectors.json` says how they were made. */
export type RoutingVectors = typeof vectors;

export const routingVectors: RoutingVectors = vectors;
