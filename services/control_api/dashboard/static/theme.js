// Dark or light as the user chose, else as the system is; before the first paint, so that nothing flashes.
(() => {
  const chosen = document.cookie.match(/(?:^|; )axiom_theme=(dark|light)/)?.[1];
  const dark = chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  document.documentElement.classList.toggle("dark", dark);
})();
