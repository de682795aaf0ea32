// Light or dark, as the system: before anything is drawn.

const isDark = matchMedia('(prefers-color-scheme: dark)');
const applyTheme = () => document.documentElement.classList.toggle('dark-mode', isDark.matches);
isDark.addEventListener('change', applyTheme);
applyTheme();
