import type { Command } from 'commander'
import { type CommonOptions, outputFrom, withCommonOptions } from '../context.ts'

export interface VerifyReceiptOptions extends CommonOptions {
  out?: string
}

/** The command that checks a receipt by hand. */
export function registerVerify(program: Command): void {
  withCommonOptions(program.command('verify'))
    .summary('Check a receipt: signatures, prompt, end, and every token')
    .description('Check a receipt from its signatures to the last token, by running its model again')
    .argument('<receipt>', 'A receipt, as shoal receipts shows it, or a file that --out wrote')
    .option('--out <file>', 'Also write the receipt with its task to a file, for others to check')
    .addHelpText(
      'after',
      `
Examples:
  $ shoal verify bafyreib…q3xm2a
  $ shoal verify bafyreib…q3xm2a --out evidence.cbor
  $ shoal verify evidence.cbor --json | jq .verdict

The node runs the model once over prompt and answer, which takes about as long as
reading the prompt. A file holds the prompt and the answer: mind who gets it.

Exit status: 0 an honest node makes this, 1 no honest node does or something was altered,
6 it cannot be decided here: the model or a baseline for it is missing, or the answer
is too short.`,
    )
    .action(async (receipt: string, options: VerifyReceiptOptions) => {
      const { verifyReceipt } = await import('../receipt-report.ts')
      await verifyReceipt(receipt, options, outputFrom(options))
    })
}
