/** Frameworks that the package has a binding for: folders of `src`, and entries of the package. */
export const BINDINGS = ['react', 'solid', 'svelte', 'vue']
