import { Column, Entity, PrimaryColumn } from 'typeorm';

/** A customer in Central's own table, which holds those of all groups. */
@Entity({ schema: 'central', name: 'customer' })
export class CentralCustomer {
  @PrimaryColumn('text', { name: 'customer_id' })
  customerId!: string;

  @Column('text')
  name!: string;

  @Column('text')
  email!: string;

  /** Null: registered at Central. */
  @Column('text', { name: 'branch_id', nullable: true })
  branchId!: string | null;

  @Column('timestamptz', { name: 'registered_at' })
  registeredAt!: Date;
}
