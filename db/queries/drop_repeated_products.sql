-- An import of products: the lines that name a product which an earlier line has named.
SELECT r.line, r.first_line FROM buybox_drop_repeated_products() AS r
