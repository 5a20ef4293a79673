-- Whether a text is blank. The blanks are those of Python's str.strip(), since a name that Python takes
-- must not be refused here, or the other way round: by itself btrim knows only the space, and what \s
-- means depends on the locale.
CREATE OR REPLACE FUNCTION buybox_is_blank(p_text text)
    RETURNS boolean
    LANGUAGE sql
    IMMUTABLE
    PARALLEL SAFE
    RETURN btrim(
        COALESCE(p_text, ''),
        U&'\0009\000A\000B\000C\000D\001C\001D\001E\001F\0020\0085\00A0\1680'
        '\2000\2001\2002\2003\2004\2005\2006\2007\2008\2009\200A\2028\2029\202F\205F\3000'
    ) = '';
