import { openSqliteStore } from './sqlite-under-test.contract.ts';
import { storeContract } from './store.contract.ts';

storeContract('sqlite', openSqliteStore);
