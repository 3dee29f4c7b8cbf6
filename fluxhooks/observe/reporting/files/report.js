"use strict";
// The page is whole without this: it adds finding, copying, and leads to what a link names.
(() => {
  const chains = [...document.querySelectorAll(".chain")];
  const filter = document.querySelector(".filter");
  if (filter && chains.length > 1) {
    const input = filter.querySelector("input");
    const shown = filter.querySelector(".shown");
    const buttons = [...filter.querySelectorAll("button")];
    const texts = new Map(chains.map((chain) => [chain, chain.textContent.toLowerCase()]));
    const apply = () => {
      const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
      const states = buttons
        .filter((button) => button.getAttribute("aria-pressed") === "true")
        .map((button) => button.dataset.state);
      let count = 0;
      for (const chain of chains) {
        const fits = (states.length === 0 || states.includes(chain.dataset.state))
          && words.every((word) => texts.get(chain).includes(word));
        chain.hidden = !fits;
        count += fits;
      }
      shown.textContent = count === chains.length ? "" : `${count} of ${chains.length} shown`;
    };
    input.addEventListener("input", apply);
    for (const button of buttons) {
      button.addEventListener("click", () => {
        const pressed = button.getAttribute("aria-pressed") === "true";
        button.setAttribute("aria-pressed", String(!pressed));
        apply();
      });
    }
    filter.addEventListener("submit", (event) => event.preventDefault());
    // A link into a chain that is filtered away shows it again.
    window.addEventListener("hashchange", () => {
      const target = document.getElementById(location.hash.slice(1));
      const chain = target && target.closest(".chain");
      if (chain && chain.hidden) {
        input.value = "";
        for (const button of buttons) button.setAttribute("aria-pressed", "false");
        apply();
        target.scrollIntoView();
      }
    });
    filter.hidden = false;
  }
  for (const command of document.querySelectorAll(".command")) {
    const text = command.querySelector("code").textContent;
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = "Copy";
    button.setAttribute("aria-label", `Copy ${text}`);
    button.addEventListener("click", async () => {
      try {
        await navigator.clipboard.writeText(text);
        button.textContent = "Copied";
      } catch {
        // Without the right to the clipboard: it is selected, to be copied by hand.
        getSelection().selectAllChildren(command.querySelector("code"));
        button.textContent = "Selected";
      }
      setTimeout(() => { button.textContent = "Copy"; }, 2000);
    });
    command.append(button);
  }
})();
