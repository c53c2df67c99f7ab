// Filter the findings. Without scripts everything is shown and nothing is lost.
"use strict";
(function () {
  var form = document.getElementById("filter");
  if (!form) return;
  var query = document.getElementById("query");
  var namespace = document.getElementById("namespace");
  var status = document.getElementById("shown");
  var boxes = Array.prototype.slice.call(form.querySelectorAll("input[type=checkbox]"));
  var rows = Array.prototype.slice.call(document.querySelectorAll("#findings-list > li"));
  var texts = rows.map(function (row) { return row.textContent.toLowerCase(); });
  var pending = 0;

  function apply() {
    var words = query.value.toLowerCase().split(/\s+/).filter(Boolean);
    var wanted = boxes.filter(function (b) { return b.checked; }).map(function (b) { return b.value; });
    var count = 0;
    rows.forEach(function (row, i) {
      var show = wanted.indexOf(row.dataset.s) >= 0 &&
        (namespace.value === "*" || row.dataset.n === namespace.value) &&
        words.every(function (word) { return texts[i].indexOf(word) >= 0; });
      row.hidden = !show;
      if (show) count += 1;
    });
    status.textContent = count === rows.length ?
      "All " + count + " listed findings shown" : count + " of " + rows.length + " listed findings shown";
  }

  function later() { clearTimeout(pending); pending = setTimeout(apply, 80); }

  form.hidden = false;
  form.addEventListener("input", later);
  form.addEventListener("submit", function (event) { event.preventDefault(); apply(); });
  form.addEventListener("reset", function () { setTimeout(apply, 0); });
  document.addEventListener("keydown", function (event) {
    var typing = /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName);
    if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
      event.preventDefault();
      query.focus();
    } else if (event.key === "Escape" && event.target === query) {
      query.value = "";
      apply();
    }
  });
  document.addEventListener("click", function (event) {
    var link = event.target.closest ? event.target.closest("a[data-filter]") : null;
    if (!link) return;
    query.value = link.dataset.filter;
    namespace.value = "*";
    boxes.forEach(function (b) { b.checked = true; });
    apply();
  });
  apply();
})();
