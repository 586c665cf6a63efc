import { runProcess } from '@eco/service';
import { startCentralApi } from './central-api.js';
import { readCentralConfig } from './config.js';

void runProcess(async () => startCentralApi(readCentralConfig(process.env))).then((code) => process.exit(code));
