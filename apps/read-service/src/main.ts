import { runProcess } from '@eco/service';
import { readServiceConfig } from './config.js';
import { startReadService } from './read-service.js';

void runProcess(async () => startReadService(readServiceConfig(process.env))).then((code) => process.exit(code));
