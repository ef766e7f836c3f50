/**
 * What a requester is promised. B: best effort. A: the same work by several distinct operators whose answers
 * are compared. S: as A, by operators with a stake, and audited.
 */
export const SLA_CLASSES = ['B', 'A', 'S'] as const
export type SlaClass = (typeof SLA_CLASSES)[number]

/** `on-demand`: begun is finished, at a fixed price. `spot`: cheaper, and may be pre-empted with notice. */
export const CAPACITY_MODES = ['on-demand', 'spot'] as const
export type CapacityMode = (typeof CAPACITY_MODES)[number]

/** Whether several operators do a task of this class alike, and seal their output before it is compared. */
export function isReplicated(slaClass: SlaClass): boolean {
  return slaClass !== 'B'
}
