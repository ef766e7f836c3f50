/**
 * How far the content of a task may travel, the least guarded first. PUBLIC: anybody. SHARED: members of the
 * network who are welcome. CONFIDENTIAL: listed or staked peers that keep it encrypted at rest. PRIVATE: this
 * node, or an attested enclave.
 */
export const DATA_CLASSES = ['PUBLIC', 'SHARED', 'CONFIDENTIAL', 'PRIVATE'] as const
export type DataClass = (typeof DATA_CLASSES)[number]

/** Whether what is fit for `offered` is fit for `asked`. */
export function covers(offered: DataClass, asked: DataClass): boolean {
  return DATA_CLASSES.indexOf(offered) >= DATA_CLASSES.indexOf(asked)
}
