import assert from 'node:assert/strict'
import { Interface } from 'ethers'
import { createHardhatRuntimeEnvironment } from 'hardhat/hre'
import type { EthereumProvider } from 'hardhat/types/providers'
import {
  type CompiledContract,
  CompileError,
  compile,
  type Sources,
} from '../../../../scripts/contract-tools/compiler.ts'
import { diffOf, type Mutant, mutantsOf, mutate } from '../../../../scripts/contract-tools/mutants.ts'
import {
  type Bench,
  countFates,
  type Outcome,
  sampleOf,
  scoreOf,
  testMutants,
} from '../../../../scripts/contract-tools/mutation.ts'

const SOURCE = `// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.37;
contract Toy {
    struct Account {
        uint256 balance;
    }
    uint256 public constant FEE = 2; // ä
    mapping(address owner => Account account) private accounts;
    event Paid(address indexed from, uint256 amount);
    error TooMuch();
    modifier limited(uint256 amount) {
        if (amount > 10) revert TooMuch();
        _;
    }
    function put(address owner, uint256 amount) external {
        Account storage account = accounts[owner];
        account.balance += amount;
    }
    function pay(address from, address to, uint256 amount) external limited(amount) {
        accounts[from].balance -= amount + FEE;
        accounts[to].balance += amount;
        emit Paid(from, amount);
    }
    function isRich(address owner, bool strict) external view returns (bool) {
        return accounts[owner].balance > 5 && !strict;
    }
    function same() external pure returns (uint256) {
        uint256 x = 3;
        return x & 0;
    }
}
`
const SETTINGS = { evmVersion: 'cancun', optimizer: { enabled: true, runs: 200 } }
const toy = new Interface([
  'function put(address,uint256)',
  'function pay(address,address,uint256)',
  'function isRich(address,bool) view returns (bool)',
])

describe('scripts/contract-tools mutation', () => {
  let provider: EthereumProvider
  let close: () => Promise<void>
  let from: string
  let mutants: Mutant[]

  before(async function () {
    this.timeout(240_000)
    const hre = await createHardhatRuntimeEnvironment({})
    const connection = await hre.network.create({ override: { throwOnTransactionFailures: false } })
    provider = connection.provider
    close = () => connection.close()
    from = ((await provider.request({ method: 'eth_accounts' })) as string[])[0]!
    const ast = compile(only(SOURCE), ['Toy.sol'], SETTINGS, 'ast').asts.get('Toy.sol')!
    mutants = mutantsOf('Toy.sol', SOURCE, ast)
  })

  after(() => close())

  it('makes each kind of change once', () => {
    const changes = mutants.map(mutant => `${mutant.operator}: ${diffOf(SOURCE, mutant).split('\n+ ')[1]}`)
    assert.equal(new Set(mutants.map(mutant => mutate(SOURCE, mutant))).size, mutants.length)
    for (const change of [
      'constant: uint256 public constant FEE = 1; // ä',
      'constant: uint256 public constant FEE = 3; // ä',
      'condition false: if (false) revert TooMuch();',
      'relational: if (amount >= 10) revert TooMuch();',
      'storage to memory: Account memory account = accounts[owner];',
      'assignment: account.balance -= amount;',
      'assignment: account.balance = amount;',
      'modifier removal: function pay(address from, address to, uint256 amount) external  {',
      'arithmetic: accounts[from].balance -= amount - FEE;',
      'statement deletion: {}',
      'event deletion: {}',
      'returned value: return true;',
      'logical: return accounts[owner].balance > 5 || !strict;',
      'logical: return accounts[owner].balance > 5 && strict;',
      'condition dropped: return true && !strict;',
    ]) {
      assert.ok(changes.includes(change), `${change} is not among\n${changes.join('\n')}`)
    }
    assert.ok(!changes.some(change => change.includes('if (true) revert')))
  })

  it('kills what the tests notice, lets survive what they do not, counts neither of the others', async function () {
    this.timeout(240_000)
    // The fee is looked at, the limit is not.
    const bench: Bench = {
      compile: mutant => Promise.resolve(compiled(mutant)),
      test: async (_mutant, { bytecode }) => {
        const { send, isRich } = await deploy(bytecode)
        const [anna, bert] = [`0x${'a1'.repeat(20)}`, `0x${'b2'.repeat(20)}`]
        if (!(await send('put', [anna, 13]))) return 'put'
        if (!(await send('pay', [anna, bert, 6]))) return 'pay'
        if (await isRich(anna)) return 'the fee'
        return (await isRich(bert)) ? undefined : 'the payment'
      },
    }
    const outcomes = await testMutants(mutants, [bench, bench])
    assert.deepEqual(
      outcomes.map(({ mutant }) => mutant),
      mutants,
    )
    assert.equal(fateOf(outcomes, 'assignment', 'accounts[to].balance -= amount;'), 'killed')
    assert.equal(fateOf(outcomes, 'constant', 'FEE = 1;'), 'killed')
    assert.equal(fateOf(outcomes, 'constant', 'FEE = 3;'), 'survived')
    assert.equal(fateOf(outcomes, 'condition false', 'if (false) revert'), 'survived')
    assert.equal(fateOf(outcomes, 'modifier removal', 'function pay('), 'survived')
    assert.equal(fateOf(outcomes, 'event deletion', ''), 'survived')
    assert.equal(fateOf(outcomes, 'constant', 'uint256 x = 4;'), 'equivalent')
    assert.equal(fateOf(outcomes, 'statement deletion', ''), 'killed')
    const { killed, survived } = countFates(outcomes)
    assert.equal(scoreOf(outcomes), killed / (killed + survived))
    assert.ok(scoreOf(outcomes) > 0.3 && scoreOf(outcomes) < 0.9)
  })

  it('counts mutants that come to the same code once', async () => {
    const bench: Bench = { compile: async made => compiled(made), test: async () => 'a test' }
    const outcomes = await testMutants([mutants[0]!, { ...mutants[0]! }], [bench])
    assert.deepEqual(
      outcomes.map(({ fate, by }) => [fate, by]),
      [
        ['killed', 'a test'],
        ['duplicate', ''],
      ],
    )
  })

  it('does not count what does not compile', async () => {
    const mutant = { ...mutants[0]!, replacement: 'nothing' }
    const bench: Bench = {
      compile: async made => compiled(made),
      test: async () => assert.fail('nothing to test'),
    }
    const outcomes = await testMutants([mutant], [bench])
    assert.equal(outcomes[0]!.fate, 'invalid')
    assert.equal(scoreOf(outcomes), 0)
  })

  it('passes on that the tests could not run', async () => {
    const bench: Bench = {
      compile: async made => compiled(made),
      test: async () => {
        throw new Error('no memory')
      },
    }
    await assert.rejects(testMutants(mutants.slice(0, 3), [bench]), /no memory/)
  })

  it('chooses equal samples for equal seeds, in order', () => {
    const sample = sampleOf(mutants, 5, 7)
    assert.equal(sample.length, 5)
    assert.deepEqual(sampleOf(mutants, 5, 7), sample)
    assert.notDeepEqual(sampleOf(mutants, 5, 8), sample)
    assert.deepEqual(
      sample,
      mutants.filter(mutant => sample.includes(mutant)),
    )
    assert.deepEqual(sampleOf(mutants, 10_000, 1), mutants)
  })

  async function deploy(bytecode: string) {
    const { contractAddress: to } = await receiptOf({ data: `0x${bytecode}` })
    return {
      async send(name: string, args: unknown[]): Promise<boolean> {
        const { status } = await receiptOf({ to, data: toy.encodeFunctionData(name, args) })
        return status === '0x1'
      },
      async isRich(owner: string): Promise<boolean> {
        const data = toy.encodeFunctionData('isRich', [owner, false])
        const answer = await provider.request({ method: 'eth_call', params: [{ to, data }, 'latest'] })
        return toy.decodeFunctionResult('isRich', answer as string)[0] as boolean
      },
    }
  }

  /** With gas of its own, so that what reverts is mined all the same. */
  async function receiptOf(request: { to?: string; data: string }) {
    const params = [{ from, gas: '0x4c4b40', ...request }]
    const hash = await provider.request({ method: 'eth_sendTransaction', params })
    const receipt = await provider.request({ method: 'eth_getTransactionReceipt', params: [hash] })
    return receipt as { contractAddress: string; status: string }
  }
})

/** The fate of the mutant of this kind whose changed lines have this in them. */
function fateOf(outcomes: readonly Outcome[], operator: string, changed: string) {
  const found = outcomes.find(
    ({ mutant }) =>
      mutant.operator === operator && diffOf(SOURCE, mutant).split('\n+ ')[1]!.includes(changed),
  )
  return found?.fate
}

function compiled(mutant: Mutant | undefined): CompiledContract | undefined {
  try {
    const source = mutant === undefined ? SOURCE : mutate(SOURCE, mutant)
    return compile(only(source), ['Toy.sol'], SETTINGS, 'code').contracts.get('Toy.sol:Toy')
  } catch (error) {
    if (error instanceof CompileError) return undefined
    throw error
  }
}

function only(source: string): Sources {
  return { read: () => source }
}
