import type { Topic } from './topics.js';

interface ConsumerDeclaration {
  /** Schema of its tables. Its database role is `eco_<schema>`. */
  readonly schema: string;
  /** Topics whose changes it applies. */
  readonly topics: readonly Topic[];
}

/**
 * The consumers of events. This list determines their queue names, broker permissions, database roles, schemas,
 * passwords, and the default of `ECO_CONSUMERS`. The code that handles the changes is in the consumer's process,
 * because no other process runs it.
 */
export const consumerDeclarations = {
  customers: { schema: 'central', topics: ['customers'] },
  statistics: { schema: 'statistics', topics: ['orders', 'sales', 'customers'] },
  notifications: { schema: 'notifications', topics: ['customers'] },
} as const satisfies Record<string, ConsumerDeclaration>;

export type ConsumerName = keyof typeof consumerDeclarations;
export type ConsumerSchema = (typeof consumerDeclarations)[ConsumerName]['schema'];

export const consumerNames = Object.keys(consumerDeclarations) as readonly ConsumerName[];
export const consumerSchemas = consumerNames.map((name): ConsumerSchema => consumerDeclarations[name].schema);

/** The database role of a consumer, which writes its own schema and nothing else. */
export type ConsumerRole = `eco_${ConsumerSchema}`;
export const consumerRoles = consumerSchemas.map((schema): ConsumerRole => `eco_${schema}`);
