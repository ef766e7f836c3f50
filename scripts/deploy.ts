import { readFile, writeFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { deployContracts } from '../node/chain/deploy.ts'
import type { Eip1193Provider } from '../node/chain/deploy-signer.ts'
import { ShoalError } from '../protocol/errors.ts'
import { parseCredits } from '../protocol/money.ts'

/** Deploys the contracts to any EVM chain and writes the file that `shoal up --contracts` takes. */
const HELP = `Deploys Shoal's contracts and writes where they are.

  npm run deploy -- --rpc URL --key-file FILE [options]

  --rpc URL             JSON-RPC of the chain
  --key-file FILE       file with the private key, in hex, of the account that deploys and owns the credit token;
                        without it, the first unlocked account of the chain
  --out FILE            where to write the addresses (default: contracts.json)
  --journal FOLDER      where to write what was sent; deploying again with it goes on where it stopped
  --mint CREDITS        credits to mint to the deploying account (default: 0)
  --close-delay SECONDS how long a payee can claim after a payer announces a close (default: a day)
  --confirmations N     blocks to wait for (default: 1)
`

const { values } = parseArgs({
  options: {
    rpc: { type: 'string' },
    'key-file': { type: 'string' },
    out: { type: 'string', default: 'contracts.json' },
    journal: { type: 'string' },
    mint: { type: 'string', default: '0' },
    'close-delay': { type: 'string' },
    confirmations: { type: 'string', default: '1' },
    help: { type: 'boolean', short: 'h', default: false },
  },
})

function wholeNumber(name: string, text: string): number {
  const value = Number(text)
  if (!Number.isSafeInteger(value) || value < 1) throw new Error(`--${name} must be a whole number from 1 on`)
  return value
}

const REQUEST_TIMEOUT_MS = 30_000

function providerAt(rpcUrl: string): Eip1193Provider {
  return {
    async request({ method, params = [] }) {
      const response = await fetch(rpcUrl, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }),
        signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
      }).catch(cause => {
        throw new Error(`the chain at ${rpcUrl} does not answer`, { cause })
      })
      const { result, error } = (await response.json()) as { result?: unknown; error?: { message: string } }
      if (error !== undefined) throw Object.assign(new Error(error.message), error)
      return result
    },
  }
}

async function main(rpcUrl: string): Promise<void> {
  const keyFile = values['key-file']
  const closeDelay = values['close-delay']
  const deployment = await deployContracts(
    {
      confirmations: wholeNumber('confirmations', values.confirmations),
      parameters: {
        initialMint: parseCredits(values.mint),
        ...(closeDelay === undefined ? {} : { closeDelay: wholeNumber('close-delay', closeDelay) }),
      },
      ...(values.journal === undefined ? {} : { journalDir: values.journal }),
      ...(keyFile === undefined ? {} : { privateKey: (await readFile(keyFile, 'utf8')).trim() }),
    },
    { provider: providerAt(rpcUrl) },
  )
  await writeFile(values.out, `${JSON.stringify(deployment, null, 2)}\n`)
  console.log(`Deployed on chain ${deployment.chainId}; wrote ${values.out}. A node uses it with:`)
  console.log(`  shoal up --rpc ${rpcUrl} --contracts ${values.out}`)
}

if (values.help || values.rpc === undefined) {
  console.log(HELP)
  process.exitCode = values.help ? 0 : 2
} else {
  try {
    await main(values.rpc)
  } catch (error) {
    console.error(error instanceof Error ? error.message : String(error))
    if (error instanceof ShoalError && error.fix !== undefined) console.error(error.fix)
    process.exitCode = 1
  }
}
