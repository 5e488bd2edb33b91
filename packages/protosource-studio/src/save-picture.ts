/** What a picture looks like by the style sheet of the page, which a file of it lacks. */
const STYLES = ["fill", "stroke", "stroke-width", "font-family", "font-size", "font-weight", "text-anchor"] as const;

/** Saves a picture as the user sees it, as a file of its own. */
export function savePicture(picture: SVGSVGElement, fileName: string): void {
  const copy = picture.cloneNode(true) as SVGSVGElement;
  const copies = [copy, ...copy.querySelectorAll("*")];
  for (const [i, shown] of [picture, ...picture.querySelectorAll("*")].entries()) {
    const style = getComputedStyle(shown);
    for (const name of STYLES) copies[i]?.setAttribute(name, style.getPropertyValue(name));
    copies[i]?.removeAttribute("class");
  }
  const text = new XMLSerializer().serializeToString(copy);
  const url = URL.createObjectURL(new Blob([text], { type: "image/svg+xml" }));
  const link = document.createElement("a");
  link.href = url;
  link.download = fileName;
  link.click();
  URL.revokeObjectURL(url);
}
