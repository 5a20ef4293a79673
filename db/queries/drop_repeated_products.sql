-- An import of products: takes out the lines whose product an earlier line has named.
SELECT r.line, r.first_line FROM buybox_drop_repeated_products() AS r
