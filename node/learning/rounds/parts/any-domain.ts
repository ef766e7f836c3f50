/** Rounds of this domain are for data of every kind. */
export const ANY_DOMAIN = 'general'
