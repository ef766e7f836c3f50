const { reporters } = require('mocha')

/** Mocha's spec reporter, ending in one line that programs can read: `N passed, N failed, N skipped`. */
class CountingReporter extends reporters.Spec {
  epilogue() {
    super.epilogue()
    const { passes, failures, pending } = this.stats
    process.stdout.write(`${passes} passed, ${failures} failed${pending > 0 ? `, ${pending} skipped` : ''}\n`)
  }
}

module.exports = CountingReporter
