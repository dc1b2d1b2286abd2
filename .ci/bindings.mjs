/** Frameworks that the package has a binding for: folders of `src`, and entries of the package. */
export const BINDINGS = ['react', 'solid', 'svelte', 'vue']

/** Those whose framework can be had by `require()`; Svelte cannot. */
export const WITH_REQUIRE = BINDINGS.filter((name) => name !== 'svelte')
