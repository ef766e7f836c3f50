import assert from 'node:assert/strict'
import { artifacts } from '../../../node/chain/abi/bytecode/index.ts'
import { abis, CONTRACT_KEYS, CONTRACT_NAMES, connectContract } from '../../../node/chain/bindings.ts'
import { networkParameters } from '../../../node/chain/deployment-parameters.ts'
import { HardhatChain } from '../../helpers/hardhat-chain.ts'

describe('the bindings of the contracts', function () {
  this.timeout(60_000)
  let chain: HardhatChain
  before(async () => {
    chain = await HardhatChain.start()
  })
  after(() => chain.stop())

  it('reads a deployment with functions known by name', async () => {
    const settlement = connectContract(chain.deployment, 'settlement', chain.provider)
    assert.equal(await settlement.closeDelay(), BigInt(networkParameters('local').closeDelay))
    const governor = connectContract(chain.deployment, 'governor', chain.provider)
    assert.equal(await governor.COUNTING_MODE(), 'support=bravo&quorum=for')
    // @ts-expect-error: the compiler knows which functions there are
    assert.throws(() => settlement.closeDelai())
  })

  it('has the ABI of every contract', () => {
    for (const key of CONTRACT_KEYS) assert.equal(abis[key], artifacts[CONTRACT_NAMES[key]].abi, key)
  })
})
