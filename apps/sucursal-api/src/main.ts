import { runProcess } from '@eco/service';
import { readSucursalConfig } from './config.js';
import { startSucursalApi } from './sucursal-api.js';

void runProcess(async () => startSucursalApi(readSucursalConfig(process.env))).then((code) => process.exit(code));
