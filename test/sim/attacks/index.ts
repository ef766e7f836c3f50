import type { AttackPlan } from '../attack.ts'
import { badMouthing } from './bad-mouthing.ts'
import { collusion } from './collusion.ts'
import { dumping } from './dumping.ts'
import { eclipse } from './eclipse.ts'
import { onOff } from './on-off.ts'
import { sybil } from './sybil.ts'
import { whitewashing } from './whitewashing.ts'

/** Nobody attacks: what newcomers and honest failures come to by themselves. */
export const NO_ATTACK: AttackPlan = {
  name: 'none',
  variant: 'honest nodes only',
  eclipsedShare: 0,
  start: () => ({ act: () => 'serve', tick() {} }),
}

/** Every attack in the ways an attacker who has read the code would try it: the worst of each is what counts. */
export const ATTACKS: readonly AttackPlan[] = [
  sybil({ priceFactor: 0.8, hidden: true }),
  sybil({ priceFactor: 0.3, hidden: true }),
  sybil({ priceFactor: 0.8, hidden: false }),
  badMouthing({ priceFactor: 0.8, status: 'dishonest' }),
  badMouthing({ priceFactor: 0.3, status: 'failed' }),
  whitewashing({ priceFactor: 0.8, serveFirst: 0 }),
  whitewashing({ priceFactor: 0.3, serveFirst: 0 }),
  whitewashing({ priceFactor: 0.8, serveFirst: 5 }),
  whitewashing({ priceFactor: 0.8, serveFirst: 15 }),
  onOff({ serve: 10, cheat: 10, priceFactor: 0.8 }),
  onOff({ serve: 45, cheat: 5, priceFactor: 0.8 }),
  onOff({ serve: 3, cheat: 1, priceFactor: 0.8 }),
  dumping({ priceFactor: 0.5, serveFirst: 10, together: false }),
  dumping({ priceFactor: 0.5, serveFirst: 50, together: false }),
  dumping({ priceFactor: 0.5, serveFirst: 50, together: true }),
  collusion({ priceFactor: 0.8, spyShare: 0.3 }),
  collusion({ priceFactor: 0.8, spyShare: 0.7 }),
  eclipse({ priceFactor: 0.8, serveFirst: 0 }),
  eclipse({ priceFactor: 0.5, serveFirst: 20 }),
]

/** Of each attack the variant that harms Shoal most. */
export const HARDEST: readonly AttackPlan[] = [
  sybil({ priceFactor: 0.8, hidden: true }),
  badMouthing({ priceFactor: 0.8, status: 'dishonest' }),
  whitewashing({ priceFactor: 0.8, serveFirst: 15 }),
  onOff({ serve: 45, cheat: 5, priceFactor: 0.8 }),
  dumping({ priceFactor: 0.5, serveFirst: 50, together: false }),
  collusion({ priceFactor: 0.8, spyShare: 0.3 }),
  eclipse({ priceFactor: 0.5, serveFirst: 20 }),
]
