import { Column, PrimaryColumn } from 'typeorm';
import { bigintAsNumber } from './bigint.js';

/**
 * How far a consumer has applied a topic of a group: everything up to batch `seq`, or up to place `n` of that batch. Written
 * in the transaction that applies the changes, so each is applied once.
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
