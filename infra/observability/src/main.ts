import { writeFileSync } from 'node:fs';
import { committed } from './committed.js';

/* Writes the committed files again: npm run observability */
for (const { file, text } of committed()) writeFileSync(file, text);
