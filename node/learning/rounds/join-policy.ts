/** Whether rounds of others are joined: by themselves where there is data for them, when the owner says so, or never. */
export const JOIN_POLICIES = ['auto', 'ask', 'never'] as const
export type JoinPolicy = (typeof JOIN_POLICIES)[number]
