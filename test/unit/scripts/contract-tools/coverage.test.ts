import assert from 'node:assert/strict'
import { AbiCoder, Interface, toBeHex } from 'ethers'
import fc from 'fast-check'
import { createHardhatRuntimeEnvironment } from 'hardhat/hre'
import type { EthereumProvider } from 'hardhat/types/providers'
import { compile, type Sources } from '../../../../scripts/contract-tools/compiler.ts'
import { coverageOf, coverageReport, type FileCoverage } from '../../../../scripts/contract-tools/coverage.ts'
import { instrument, type Point } from '../../../../scripts/contract-tools/instrument.ts'

const SOURCE = `// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.37;
contract Toy {
    modifier below(uint256 x) {
        require(x < 100, unicode"ä"); _;
    }
    constructor() {}
    function decide(uint256 x, bool a) external view below(x) returns (uint256 y) {
        if (x > 10 && !(a || x == 17)) return 1;
        else if (x == 3) y = 2;
        for (uint256 i; i < x; ++i) y += i;
        while (y > 50) { unchecked { y -= 10; } }
        do ++y; while (y < 5);
        y = a ? y : y + 1;
        try this.half(x) returns (uint256 z) { y += z; } catch { y += 7; }
        {
            y += 1;
        }
    }
    function half(uint256 x) external pure returns (uint256) {
        if (x % 2 == 1) revert();
        return x / 2;
    }
    function sign(uint256 x) external pure returns (uint256 y) {
        assembly { if gt(x, 5) { y := 1 } }
    }
}
`

const SETTINGS = { evmVersion: 'cancun', optimizer: { enabled: true, runs: 200 } }
const FIELDS = ['uint256', 'bool']

describe('scripts/contract-tools coverage', () => {
  let provider: EthereumProvider
  let close: () => Promise<void>
  let hits: Set<number>
  let points: Point[]
  let plain: Toy
  let probed: Toy

  before(async function () {
    this.timeout(240_000)
    const hre = await createHardhatRuntimeEnvironment({})
    hits = new Set()
    hre.hooks.registerHandlers('network', {
      onCoverageData: async (_context, tags) => {
        for (const tag of tags) hits.add(Number(BigInt(`0x${tag}`)))
      },
    })
    const connection = await hre.network.create()
    provider = connection.provider
    close = () => connection.close()
    const ast = compile(only(SOURCE), ['Toy.sol'], SETTINGS, 'ast').asts.get('Toy.sol')!
    const instrumented = instrument(SOURCE, ast, 1_000)
    points = instrumented.points
    plain = await deploy(SOURCE)
    probed = await deploy(instrumented.source)
  })

  beforeEach(() => hits.clear())
  after(() => close())

  it('finds nothing covered before anything ran', () => {
    const { lines, branches } = measured()
    assert.deepEqual(lines, { covered: 0, total: 17 })
    assert.deepEqual(branches, { covered: 0, total: 23 })
  })

  it('names each branch that was not taken, with its line', async () => {
    await probed.call('decide', 3, true)
    await probed.call('decide', 20, false)
    assert.deepEqual(missing(9), ['`a` true', '`x == 17` true'])
    assert.deepEqual(missing(10), ['`x == 3` false'])
    assert.deepEqual(missing(5), ['`x < 100` false'])
    assert.deepEqual(missing(12), ['`y > 50` true', 'UncheckedBlock', 'ExpressionStatement'])
    assert.deepEqual(missing(14), ['`a` false'])
    assert.deepEqual(missing(15), ['success of try', 'ExpressionStatement'])
  })

  it('takes a branch back from the missing ones once it is taken, reverted calls counted too', async () => {
    await assert.rejects(probed.call('decide', 100, false))
    assert.deepEqual(missing(5), ['`x < 100` true', 'PlaceholderStatement'])
    for (const x of [0, 3, 4, 17, 20, 99]) {
      for (const a of [true, false]) await probed.call('decide', x, a)
    }
    assert.deepEqual(
      measured().missing.filter(({ line }) => line > 7 && line < 19),
      [],
    )
  })

  it('says that it cannot tell branches in assembly apart', async () => {
    await probed.call('sign', 9, true)
    assert.deepEqual(missing(25), ['YulIf in assembly, which no probe can tell apart'])
  })

  it('changes no result', async function () {
    this.timeout(240_000)
    const property = fc.asyncProperty(fc.nat(105), fc.boolean(), async (x, a) => {
      const [expected, found] = await Promise.allSettled([
        plain.call('decide', x, a),
        probed.call('decide', x, a),
      ])
      assert.equal(found.status, expected.status)
      if (expected.status === 'fulfilled') assert.equal((found as typeof expected).value, expected.value)
    })
    await fc.assert(property, { numRuns: 50 })
  })

  it('never rounds up to 100 %', () => {
    const file = {
      file: 'a.sol',
      lines: { covered: 9_999, total: 10_000 },
      branches: { covered: 0, total: 0 },
      missing: [],
    }
    assert.match(coverageReport([file]), /99\.9 %/)
  })

  const measured = (): FileCoverage => coverageOf('Toy.sol', points, hits)

  const missing = (wanted: number): string[] =>
    measured()
      .missing.filter(({ line }) => line === wanted)
      .map(({ what }) => what)

  async function deploy(source: string): Promise<Toy> {
    const { contracts } = compile(only(source), ['Toy.sol'], SETTINGS, 'code')
    const { abi, bytecode } = contracts.get('Toy.sol:Toy')!
    const [from] = (await provider.request({ method: 'eth_accounts' })) as string[]
    const hash = await provider.request({
      method: 'eth_sendTransaction',
      params: [{ from, data: `0x${bytecode}` }],
    })
    const receipt = await provider.request({ method: 'eth_getTransactionReceipt', params: [hash] })
    const { contractAddress: to } = receipt as { contractAddress: string }
    const toy = new Interface(abi as string[])
    return {
      async call(name, x, a) {
        const { selector, inputs } = toy.getFunction(name)!
        const args = AbiCoder.defaultAbiCoder().encode(
          FIELDS.slice(0, inputs.length),
          [x, a].slice(0, inputs.length),
        )
        const params = [{ to, data: selector + args.slice(2), gas: toBeHex(10_000_000) }, 'latest']
        return (await provider.request({ method: 'eth_call', params })) as string
      },
    }
  }
})

interface Toy {
  call(name: string, x: number, a: boolean): Promise<string>
}

function only(source: string): Sources {
  return {
    read(name) {
      if (name === 'Toy.sol') return source
      throw new Error(`no source ${name}`)
    },
  }
}
