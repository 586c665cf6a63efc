/**
 * Limits that alert rules and `eco doctor` share, so that both call the same state wrong. docs/operations.md ("What to
 * watch") has them as text.
 */
export const limits = {
  /** A takeover by a standby takes up to 15 s, so a shorter absence is no alarm, s. */
  absentS: 15,
  /** Wait of a leader for its database, s. */
  databaseWaitS: 5,
  /** How often a command may be tried alone before an operator must decide. */
  suspectTries: 3,
  /** Difference between two clocks, s. */
  clockS: 5,
  /** Age of the oldest command in a journal, s. */
  journalS: 60,
  /** Share of a journal's limit, or of a queue's, that is used. */
  full: 0.5,
  /** Beyond this lag a replica is read only when nothing better is there, s. */
  lagS: 2,
  /** Log that the primary keeps for a replica, bytes. It gives the replica up at `wal_keep_size`, 1 GB. */
  retainedBytes: 800_000_000,
  /** Transactions since the oldest snapshot: some 40 min of a busy writer (200 batches/s). */
  xminAge: 500_000,
  /** Time without a stored segment of the databases' log, s. A healthy primary stores one each minute. */
  archiveS: 300,
  /** Silence of a branch, s. After 7 days it gets no more units. */
  branchSilentS: 86_400,
  /** Messages in a queue. It is full at 2,000,000. */
  queueMessages: 1_000_000,
  /** Share of a disk that is free. */
  diskFree: 0.1,
  /** Days until a certificate or a password expires. A start renews certificates, which are valid for 397 days. */
  certificateDays: 30,
} as const;
