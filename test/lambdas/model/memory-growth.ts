const PAGE_BYTES = 65_536;

/** MiB that WebAssembly memories grow by while `work` runs. */
export function memoryGrowth(work: () => void): number {
  const grow = jest.spyOn(WebAssembly.Memory.prototype, 'grow');
  work();
  const pages = grow.mock.calls.reduce((sum, [delta]) => sum + delta, 0);
  grow.mockRestore();
  return (pages * PAGE_BYTES) / 2 ** 20;
}
