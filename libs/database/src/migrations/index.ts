import { WritePath1795500000000 } from './1795500000000-write-path.js';
import { Consumers1795500000001 } from './1795500000001-consumers.js';
import { Inventory1795600000000 } from './1795600000000-inventory.js';
import { Queries1795600000001 } from './1795600000001-queries.js';
import { DeadLetters1795700000000 } from './1795700000000-dead-letters.js';
import { GroupClock1796000000200 } from './1796000000200-group-clock.js';
import { SuspectTries1796000000300 } from './1796000000300-suspect-tries.js';
import { ProgressInBatch1796000000400 } from './1796000000400-progress-in-batch.js';
import { Statistics1796000000500 } from './1796000000500-statistics.js';
import { OrderedCartItems1796000000600 } from './1796000000600-ordered-cart-items.js';
import { Retention1796000000800 } from './1796000000800-retention.js';
import { WrittenOffTransfers1796000000900 } from './1796000000900-written-off-transfers.js';
import { Senders1796100000000 } from './1796100000000-senders.js';
import { ReaderWithoutDeadLetters1796100000100 } from './1796100000100-reader-without-dead-letters.js';
import { Identity1796100000200 } from './1796100000200-identity.js';
import { SignUp1796100000210 } from './1796100000210-sign-up.js';
import { Pins1796100000220 } from './1796100000220-pins.js';
import { OpenReservations1796100000300 } from './1796100000300-open-reservations.js';
import { ActorAndAuthorForTheReader1796100000410 } from './1796100000410-actor-and-author-for-the-reader.js';
import { DecidedAs1796100000411 } from './1796100000411-decided-as.js';
import { Erasures1796100000430 } from './1796100000430-erasures.js';
import { DeadLetterContent1796100000431 } from './1796100000431-dead-letter-content.js';
import { GeneratedPasswords1796100000470 } from './1796100000470-generated-passwords.js';
import { PinsOfARole1796100000490 } from './1796100000490-pins-of-a-role.js';
import { BranchSales1796200000000 } from './1796200000000-branch-sales.js';
import { SaleStatistics1796200000010 } from './1796200000010-sale-statistics.js';
import { SalesOfABranch1796200000100 } from './1796200000100-sales-of-a-branch.js';
import { TransfersToABranch1796200000200 } from './1796200000200-transfers-to-a-branch.js';
import { Restores1796300000000 } from './1796300000000-restores.js';
import { CustomerUpdates1796600000000 } from './1796600000000-customer-updates.js';
import { ConfirmedSeq1796700000000 } from './1796700000000-confirmed-seq.js';
import { OrderDecisionColumns1796800000000 } from './1796800000000-order-decision-columns.js';
import { ChangesInOrders1796800000001 } from './1796800000001-changes-in-orders.js';
import { OutcomesInOrders1796800000002 } from './1796800000002-outcomes-in-orders.js';
import { MovementsOfABatch1796900000000 } from './1796900000000-movements-of-a-batch.js';

/** In the order in which they run. */
export const migrations = [
  WritePath1795500000000,
  Consumers1795500000001,
  Inventory1795600000000,
  Queries1795600000001,
  DeadLetters1795700000000,
  GroupClock1796000000200,
  SuspectTries1796000000300,
  ProgressInBatch1796000000400,
  Statistics1796000000500,
  OrderedCartItems1796000000600,
  Retention1796000000800,
  WrittenOffTransfers1796000000900,
  Senders1796100000000,
  ReaderWithoutDeadLetters1796100000100,
  Identity1796100000200,
  SignUp1796100000210,
  Pins1796100000220,
  OpenReservations1796100000300,
  ActorAndAuthorForTheReader1796100000410,
  DecidedAs1796100000411,
  Erasures1796100000430,
  DeadLetterContent1796100000431,
  GeneratedPasswords1796100000470,
  PinsOfARole1796100000490,
  BranchSales1796200000000,
  SaleStatistics1796200000010,
  SalesOfABranch1796200000100,
  TransfersToABranch1796200000200,
  Restores1796300000000,
  CustomerUpdates1796600000000,
  ConfirmedSeq1796700000000,
  OrderDecisionColumns1796800000000,
  ChangesInOrders1796800000001,
  OutcomesInOrders1796800000002,
  MovementsOfABatch1796900000000,
];
