import { Column, Entity, PrimaryColumn } from 'typeorm';

@Entity({ schema: 'notifications', name: 'notification' })
export class Notification {
  /** The command that caused it, so that one cause sends one message. */
  @PrimaryColumn('uuid')
  id!: string;

  @Column('text', { name: 'customer_id' })
  customerId!: string;

  @Column('text')
  kind!: 'welcome';

  @Column('text')
  email!: string;

  /** `failing`: it was tried and will be tried again at `nextTryAt`. */
  @Column('text')
  state!: 'unsent' | 'sent' | 'failing';

  @Column('integer')
  tries!: number;

  @Column('text', { name: 'last_error', nullable: true })
  lastError!: string | null;

  @Column('timestamptz', { name: 'created_at' })
  createdAt!: Date;

  @Column('timestamptz', { name: 'sent_at', nullable: true })
  sentAt!: Date | null;

  @Column('timestamptz', { name: 'next_try_at' })
  nextTryAt!: Date;
}
