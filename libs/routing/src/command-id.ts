import { hash12 } from './hash.js';
import { idOfContent, idOfKey, uuidV7, type IdSource, type KeyedRequest } from './uuid.js';

/*
 * Ids of the other commands, built like order ids: the 12 bits are hash12 of the routing key, so `GET /commands/{id}`
 * finds the group with the outcome. An order's id is the id of the command that places it.
 */

/** A new command's id; `key` is the customer or product id that routes it. */
export function newCommandId({ key, ...source }: IdSource & { readonly key: string }): string {
  return uuidV7(source, hash12(key));
}

/**
 * The id of a command of this kind that a principal requested under this `Idempotency-Key`. It never equals an order's
 * id.
 */
export function commandIdFor({
  kind,
  key,
  ...request
}: KeyedRequest & { readonly kind: string; readonly key: string }): string {
  return idOfKey('command', request, [kind, key], hash12(key));
}

/** The id of a command that EcoMarket makes itself: a group's expiry, or content that could not be read. */
export function ownCommandId({
  origin,
  kind,
  key,
  content,
}: {
  readonly origin: string;
  readonly kind: string;
  readonly key: string;
  readonly content: string;
}): string {
  return idOfContent([origin, kind, key, content], hash12(key));
}

/**
 * The id of a customer whom a principal registers without an id under this `Idempotency-Key`. It has no routing: its
 * own hash determines the bucket.
 */
export function customerIdFor({ principalId, ...request }: KeyedRequest & { readonly principalId: string }): string {
  return idOfKey('customer', request, [principalId], hash12(''));
}

/** An id without routing (a correlation id, an event's id): version 7, random except for its time. */
export function newId(source: IdSource): string {
  return uuidV7(source, ((source.random[8] ?? 0) << 4) | ((source.random[9] ?? 0) >> 4));
}
