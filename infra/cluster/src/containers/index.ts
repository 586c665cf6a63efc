export { whyNoContainers } from './engine.js';
export { startContainers } from './start-containers.js';
