/** The part of libsvm-js that is used here; the package ships no types. */
declare module 'libsvm-js' {
  export interface LibsvmOptions {
    readonly type: string;
    readonly kernel: string;
    readonly cost: number;
    readonly gamma: number;
    readonly tolerance: number;
    readonly cacheSize: number;
    readonly weight: Readonly<Record<string, number>>;
    readonly quiet: boolean;
    readonly shrinking: boolean;
    readonly probabilityEstimates: boolean;
  }
  export class Svm {
    constructor(options: LibsvmOptions);
    train(samples: readonly ArrayLike<number>[], labels: ArrayLike<number>): void;
    predictOne(sample: ArrayLike<number>): number;
    getSVIndices(): number[];
    serializeModel(): string;
    free(): void;
    static readonly SVM_TYPES: { readonly C_SVC: string };
    static readonly KERNEL_TYPES: { readonly RBF: string; readonly PRECOMPUTED: string };
  }
  const loading: Promise<typeof Svm>;
  export default loading;
}
