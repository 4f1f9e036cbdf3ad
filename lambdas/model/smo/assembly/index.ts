export { addKernelRows } from './gradient';
export { gatherRows, kernelSquare } from './points';
export { addProducts } from './products';
export { countIdle, shrink, swapColumns } from './shrinking';
export { solveSubproblem } from './subproblem';
export { selectViolators, violation } from './working-set';
