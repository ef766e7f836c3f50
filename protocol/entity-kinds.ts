/** What nodes make known beside models. */
export const ENTITY_KINDS = ['agent', 'service', 'resource'] as const
export type EntityKind = (typeof ENTITY_KINDS)[number]
