/** Virtual host of all exchanges and queues. */
export const VHOST = 'ecomarket';
/** Routing keys of commands are `<queue kind>.<group>`, leading to the queue of the same name. */
export const COMMANDS_EXCHANGE = 'ecomarket.commands';
/** Routing keys of events are `<topic>.<group>`, those of heartbeats `beat.<group>`. */
export const EVENTS_EXCHANGE = 'ecomarket.events';
