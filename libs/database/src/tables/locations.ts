import { text } from './columns.js';
import { loadBy } from './load.js';
import { defineTable } from './table.js';
import type { TablesOf } from './tables-of.js';

const locationTable = defineTable({
  name: 'eco.location',
  rows: 'locations',
  columns: { location: text('location') },
});

export const locations: TablesOf<'locations'> = {
  tables: [locationTable],
  stores: {},
  load: loadBy('load locations', locationTable, 'location', 'locations', ['location'], ({ location }, state) =>
    state.locations.add(location),
  ),
};
