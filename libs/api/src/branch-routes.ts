import { Module, type DynamicModule } from '@nestjs/common';
import { PinStore, type ReadRevoked } from '@eco/identity';
import { Reads } from '@eco/reads';
import { BranchController, RevokedReader } from './branch/branch.read.js';
import { Owners, StoredOwners } from './branch/owners.js';

export {
  branchLevelsSchema,
  branchPinsSchema,
  commandStatusSchema,
  groupsSchema,
  ownershipSchema,
  revokedSessionsSchema,
  type BranchLevels,
} from './branch/branch.read.js';

export interface BranchRoutesOptions {
  readonly reads: Reads;
  readonly readRevoked: ReadRevoked;
  readonly pins: PinStore;
}

/** Serves what the APIs of branches read for themselves. */
@Module({})
export class BranchRoutes {
  static of({ reads, readRevoked, pins }: BranchRoutesOptions): DynamicModule {
    return {
      module: BranchRoutes,
      controllers: [BranchController],
      providers: [
        { provide: Reads, useValue: reads },
        { provide: Owners, useValue: new StoredOwners(reads) },
        { provide: RevokedReader, useValue: { revokedAfter: readRevoked } satisfies RevokedReader },
        { provide: PinStore, useValue: pins },
      ],
    };
  }
}
