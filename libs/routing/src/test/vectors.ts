import vectors from './vectors.json';

/** Shared test vectors for implementations of the hash and the ids; `vectors.json` states how they were made. */
export type RoutingVectors = typeof vectors;

export const routingVectors: RoutingVectors = vectors;
