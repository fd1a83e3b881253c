import { openSqliteStore } from './sqlite-under-test.contract.ts';
import { storeProperties } from './store.property.ts';

storeProperties('sqlite', openSqliteStore, 60);
