/** Commands go out by `<queue kind>.<group>` to the queue of the same name. */
export const COMMANDS_EXCHANGE = 'ecomarket.commands';
/** Events go out by `<topic>.<group>`, beats by `beat.<group>`. */
export const EVENTS_EXCHANGE = 'ecomarket.events';
