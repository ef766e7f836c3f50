import assert from 'node:assert/strict'
import { CheatedNetwork } from '../../helpers/cheated-network.ts'

/** Tasks that each requester asks for one after the other before audits catch up, and in how many rounds every cheat is found. */
const ROUND = 2
const MAX_ROUNDS = 30
/** So many rounds in which cheats get nothing show that they are out of business. */
const QUIET_ROUNDS = 3
/** Tasks of each requester after all cheats were found. */
const AFTERWARDS = 15

describe('a network with cheats', () => {
  const cheated = new CheatedNetwork({
    ...{ seed: 7, cheats: ['smaller', 'truncated'], requesters: 2, maxTokens: 64 },
  })
  before(async function () {
    this.timeout(180_000)
    await cheated.start()
  })
  after(() => cheated.stop())

  it('gives them no more work once they are found, takes their stake in court, and leaves all others alone', async function () {
    this.timeout(240_000)
    for (let round = 0, quiet = 0; round < MAX_ROUNDS && quiet < QUIET_ROUNDS; round++) {
      const { tasks } = cheated.shares()
      await cheated.ask(ROUND)
      await cheated.audited()
      quiet = cheated.areAllFound && cheated.shares(tasks).tasksOfCheats === 0 ? quiet + 1 : 0
    }
    assert.ok(cheated.areAllFound, `not every cheat was found: ${cheated.standings}`)
    const { tasks } = cheated.shares()
    await cheated.ask(AFTERWARDS)
    const { paid, paidToCheats } = cheated.shares(tasks)
    assert.ok(paid > 0n && 100n * paidToCheats < 2n * paid, `cheats had ${paidToCheats} of ${paid}`)

    assert.ok(cheated.cases.length > 0)
    await cheated.tried()
    for (const cheat of cheated.cheats) {
      assert.ok(cheated.wonAgainst(cheat).length > 0, 'a cheat was not convicted')
      assert.ok((await cheated.lostStake(cheat)) > 0n)
    }
    assert.deepEqual(await cheated.penalties(), [])
  })
})
