import { Column, PrimaryColumn } from 'typeorm';
import { bigintAsNumber } from './bigint.js';

/**
 * A consumer's position in a topic of a group: everything up to batch `seq`, or up to change `n` of that batch. The
 * transaction that applies the changes writes it, so each change is applied once.
 */
export abstract class Progress {
  @PrimaryColumn('text')
  consumer!: string;

  @PrimaryColumn('text', { name: 'group_id' })
  groupId!: string;

  @PrimaryColumn('text')
  topic!: string;

  @Column('bigint', { transformer: bigintAsNumber })
  term!: number;

  @Column('text')
  tag!: string;

  @Column('bigint', { transformer: bigintAsNumber })
  seq!: number;

  /** Null: the whole batch. */
  @Column('integer', { nullable: true })
  n!: number | null;
}
