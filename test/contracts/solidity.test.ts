import assert from 'node:assert/strict'
import { relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import Mocha from 'mocha'
import { runSolidityTests, type SolidityTestResult } from '../helpers/solidity-tests.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const NIGHTLY = process.env.SHOAL_NIGHTLY === '1'
const HOUR_MS = 3_600_000

/**
 * Every Solidity test counts as a test of its own. Which there are is known once they have been compiled, so the
 * first test runs them all and adds a suite for each contract, which Mocha runs next.
 */
describe('Solidity tests', function () {
  this.timeout(NIGHTLY ? 6 * HOUR_MS : HOUR_MS)
  const { suites } = this

  it(`compile and run with the ${NIGHTLY ? 'nightly' : 'default'} profile`, async () => {
    const { results, output } = await runSolidityTests(ROOT, NIGHTLY ? 'nightly' : 'default')
    assert.ok(results.length > 0, `no Solidity test ran\n${output}`)
    for (const result of results) suiteOf(result).addTest(new Mocha.Test(result.title, bodyOf(result)))
  })

  const suiteOf = ({ contract, source }: SolidityTestResult): Mocha.Suite => {
    const title = `${contract} (${relative('test/contracts/solidity', source)})`
    return suites.find(suite => suite.title === title) ?? Mocha.Suite.create(this, title)
  }
})

function bodyOf({ status, failure }: SolidityTestResult): Mocha.Func {
  return function () {
    if (status === 'skipped') this.skip()
    if (status === 'failed') throw new Error(failure)
  }
}
