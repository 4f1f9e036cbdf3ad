import TestSequencer from '@jest/test-sequencer';

/**
 * Tests that live through days come first. Without the times of an earlier run jest goes by the sizes of files, and
 * would begin the longest of them when everything else is done, on one of two cores.
 */
export default class LongestFirst extends TestSequencer {
  sort(tests) {
    const sorted = super.sort(tests);
    const livesDays = ({ path }) => path.includes('/end-to-end/');
    return [...sorted.filter(livesDays), ...sorted.filter((test) => !livesDays(test))];
  }
}
