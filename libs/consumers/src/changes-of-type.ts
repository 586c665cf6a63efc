import { changeData, type ChangeData, type ChangeType, type ReceivedChange } from '@eco/contracts';

/** The changes of one type, with data checked against the contract, so that a consumer can rely on it. */
export function changesOfType<T extends ChangeType>(
  changes: readonly ReceivedChange[],
  ...types: readonly T[]
): (Omit<ReceivedChange, 'data'> & { data: ChangeData<T> })[] {
  return changes
    .filter((change): change is ReceivedChange & { type: T } => types.some((type) => type === change.type))
    .map((change) => ({ ...change, data: changeData[change.type].parse(change.data) as ChangeData<T> }));
}
