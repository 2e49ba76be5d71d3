'use strict';
document.querySelectorAll('table.sort').forEach(function (table) {
  var body = table.tBodies[0];
  var rows = Array.from(body.rows);
  var heads = Array.from(table.tHead.rows[0].cells);
  function key(cell) {
    var value = cell.getAttribute('data-v');
    return value === null ? cell.textContent.toLowerCase() : parseFloat(value);
  }
  heads.forEach(function (head, column) {
    var button = document.createElement('button');
    button.type = 'button';
    button.textContent = head.textContent;
    head.textContent = '';
    head.appendChild(button);
    button.addEventListener('click', function () {
      var up = head.getAttribute('aria-sort') !== 'ascending';
      heads.forEach(function (other) { other.removeAttribute('aria-sort'); });
      head.setAttribute('aria-sort', up ? 'ascending' : 'descending');
      rows.sort(function (a, b) {
        var x = key(a.cells[column]);
        var y = key(b.cells[column]);
        if (x !== x || y !== y) { return (x !== x) - (y !== y); }
        return (x < y ? -1 : x > y ? 1 : 0) * (up ? 1 : -1);
      });
      rows.forEach(function (row) { body.appendChild(row); });
    });
  });
  var bar = document.createElement('p');
  bar.className = 'filter';
  var input = document.createElement('input');
  input.type = 'search';
  input.placeholder = 'Filter by name, kind, scheme';
  input.setAttribute('aria-label', input.placeholder);
  var count = document.createElement('span');
  count.className = 'soft';
  count.setAttribute('aria-live', 'polite');
  bar.append(input, count);
  table.parentNode.parentNode.insertBefore(bar, table.parentNode);
  input.addEventListener('input', function () {
    var words = input.value.toLowerCase().split(' ');
    var shown = 0;
    rows.forEach(function (row) {
      var text = row.textContent.toLowerCase();
      row.hidden = !words.every(function (word) { return text.indexOf(word) >= 0; });
      shown += row.hidden ? 0 : 1;
    });
    count.textContent = shown + ' of ' + rows.length + ' rows';
  });
});
