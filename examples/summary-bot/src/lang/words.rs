//! Word lists, lower-case. Function words include what every conversation is full of, whatever it is about.

/// Greetings, thanks, laughter, agreement: noise in any language.
pub(super) const CHATTER: &str = "hi hello hey hiya howdy yo hallo hola salut bonjour ciao oi olá buongiorno moin servus \
    bye goodbye cya tschüss adieu adiós adios tchau doei cheers thanks thank thx ty tnx tysm np yw pls plz please danke \
    bitte gut bueno buenas merci gracias grazie obrigado obrigada bedankt prego welcome sorry sry pardon scusa perdón \
    lol lmao rofl haha hahaha hehe heh xd omg wtf wow whoa yay oops ouch aww congrats nice cool great awesome perfect \
    brilliant lovely super excellent fantastic ok okay okey oké k kk yes yeah yep yup yea ya yess nope nah no ja nein oui \
    si sí sì sim não nee sure alright right fine exactly indeed absolutely definitely agreed gotcha ack brb afk btw imo \
    imho fyi idk tbh lgtm wb gm gn morning evening afternoon night :) :d :p ;) <3";

/// Hesitations and listener's noises.
pub(super) const FILLERS: &str = "um umm uh uhm uhh er erm eh ehm ah aah ahh hm hmm hmmm mm mmm mhm mm-hmm uh-huh \
    uh-oh huh oh ooh ohh äh ähm öh hä euh ben bah pff este eeh beh boh mah ehi hè uhum mm-mm 'kay kay";

pub(super) const ENGLISH: &str = "a about above across actually after again against ago all almost along already also \
    although always am among an and another any anybody anymore anyone anything anyway anyways are aren't around as ask \
    asked asking at away back basically be became because become been before began behind being below best better \
    between big bit both bring but by call called came can can't cannot cause certain certainly clear clearly come comes \
    coming completely could couldn't couple course cos coz cuz day days did didn't different do does doesn't doing don't done \
    down dunno during each either else end enough especially et even ever every everybody everyone everything exact fact \
    far few figure find first for forth forward found from full further gave generally get gets getting give given gives \
    giving go goes going gone gonna good got gotta guess guy guys had hadn't half happen happened happens hard has hasn't \
    have haven't having he he'd he'll he's hear heard hence her here here's hers herself him himself his hope hopefully \
    how how's however i i'd i'll i'm i've idea ideas if im in instead into is isn't it it'd it'll it's its itself ive just keep \
    kind kinda knew know known knows last later least left less let let's lets like likely little long look looked \
    looking looks lot lots made mainly make makes making many matter may maybe me mean means meant might mine mom moment \
    more most mostly move much must my myself nearly need needed needs neither never new next nobody none nor not nothing \
    now obviously of off often old on once one one's ones only onto or other others our ours ourselves out over overall \
    own part particular particularly people per perhaps person place point possible possibly pretty probably put quite \
    rather really reason regarding said same saw say saying says second see seem seemed seems seen several shall she \
    she's should shouldn't show side similar simply since small so some somebody somehow someone something sometimes \
    somewhat somewhere soon sort sorts stuff start started still stop such suppose supposed take taken takes taking talk \
    talked talking tell than that that'd that'll that's the their theirs them themselves then there there's therefore \
    these they they'd they'll they're they've thing things think thinking this those though thought three through thus \
    time times to today together told too took top totally toward towards tried tries true try trying turn two type \
    under understand unless until up upon us use used using usually various very via wanna want wanted wants was wasn't \
    way ways we we'd we'll we're we've week weeks well went were weren't what what's whatever when where where's whether \
    which while who who's whole whom whose why will with within without won't wonder word words work worked working \
    works would wouldn't wrong year years yet you you'd you'll you're you've your yours yourself four five six seven \
    eight nine ten hundred thousand twenty thirty forty fifty dont cant thats whats youre theyre isnt doesnt didnt wont \
    u ur r n im ill id one's terms term able absolutely add added issue question questions answer";

pub(super) const GERMAN: &str = "aber alle allem allen aller alles als also am an ander andere anderem anderen anderer \
    anderes auch auf aus bei beim bin bis bist da dabei dafür damit danach dann daran darauf daraus darin darüber das \
    dass daß davon dazu dein deine deinem deinen deiner dem den denn der des deshalb dich die dies diese diesem diesen \
    dieser dieses dir doch dort du durch eben eher eigentlich ein eine einem einen einer eines einfach einige einmal er \
    erst es etwa etwas euch euer eure für gab ganz gar geben gegen geht gehen gemacht genau gerade gern gerne gibt ging \
    gleich gut habe haben habt halt hat hatte hatten hier hin hinter ich ihm ihn ihnen ihr ihre ihrem ihren ihrer im \
    immer in ins irgendwie ist jede jedem jeden jeder jedes jedoch jetzt kann kannst kein keine keinem keinen keiner \
    kommen kommt können könnte könnten lassen lässt leider machen macht mal man mehr mein meine meinem meinen meiner mich \
    mir mit morgen müssen muss müsste nach naja natürlich nicht nichts noch nochmal nun nur ob oder ohne okay schon sehe \
    sehen sehr sein seine seinem seinen seiner seit sich sie siehe sind so sogar soll sollen sollte sollten sondern sonst \
    über um und uns unser unsere unter viel viele vielleicht vom von vor wann war waren warum was weg wegen weil weiß \
    welche welchem welchen welcher welches wenn wer werde werden wie wieder will wir wird wirklich wo wohl wollen worden \
    wurde wurden würde würden zu zum zur zwar zwischen heute gestern finde denke glaube sagen sagt gesagt schön guten \
    fall sache dinge zwei drei";

pub(super) const FRENCH: &str = "a afin ai aie ait alors après as assez au aucun aujourd'hui auquel aura aurait aussi autre \
    autres aux avais avait avant avec avez avoir avons beaucoup bien bon bonne c'est ça car ce ceci cela celle celles \
    celui ces cet cette ceux chaque chez chose choses comme comment contre d'accord d'un d'une dans de déjà depuis des \
    deux dire dis disait dit doit donc dont du elle elles en encore entre es est est-ce et étaient était été être eu eux \
    faire fais fait faites faut fois font ici il ils j'ai je j'en j'y jamais jusque juste l'on la là laquelle le lequel les \
    lesquels leur leurs lui ma mais me même mêmes mes mettre mieux moi moins mon n'est ne ni non nos notre nous on ont ou \
    où oui par parce pas pendant peu peut peut-être peux plus plutôt plusieurs pour pourquoi pourrait pouvez pouvoir près \
    puis qu'il qu'on qu'elle quand que quel quelle quelles quelque quelques quels qui quoi rien s'il sa sais sait sans se \
    sera serait ses seulement si sinon soit son sont sous suis sur ta tant te tel tellement tes toi ton toujours tous tout \
    toute toutes très trop tu un une va vais vas vers veut veux vient voilà voir vois vont vos votre vous vraiment y demain \
    hier faudrait devrait truc trucs pense crois trois";

pub(super) const SPANISH: &str = "a ahora al algo alguien algún alguna algunas alguno algunos allá allí ante antes aquel \
    aquella aquello aquí así aún aunque bien bueno buena cada casi cómo como con contra creo cual cuál cuales cuando cuándo \
    cuanto de debe deben debería decir del demás desde después dice dicho donde dónde dos durante e el él ella ellas ello \
    ellos en entonces entre era eran eres es esa esas ese eso esos esta está estaba están estar estas este esto estos \
    estoy fue fueron ha haber había hace hacer hacia han hasta hay haya he hemos hizo hoy igual incluso ir la las le les lo \
    los luego mañana más me mejor menos mi mí mientras mis mismo mucha muchas mucho muchos muy nada nadie ni ningún ninguno \
    no nos nosotros nuestra nuestro nunca o os otra otras otro otros para parece pero poco podemos poder podría por porque \
    porqué pues puede pueden puedo que qué quien quién quiere quiero sabe saber se sé sea ser será si sido siempre sin \
    sino sobre sois solo sólo somos son soy su sus también tampoco tan tanto te tengo tenemos tener ti tiene tienen toda \
    todas todavía todo todos tu tú tus un una unas uno unos usted va vale vamos van vez voy y ya yo cosa cosas tres ayer \
    verdad hola";

pub(super) const ITALIAN: &str = "a abbiamo ad adesso ai al alcuni alla alle allo allora altra altre altri altro anche \
    ancora appena avere aveva avevo avete bene c'è che chi ci ciò come con così cosa cose credo cui da dai dal dalla dalle \
    dei del della delle dello dentro detto deve devo di dice dire dopo dove due e è ecco ed era erano essere fa faccio fai \
    fanno fare fatto fino forse fra già gli ha hai hanno ho i il in io invece la là le lei li lì lo loro lui ma mai me meglio \
    meno mi mia mie miei mio molta molti molto ne negli nei nel nella nelle nessuno niente noi non nostra nostro nulla o ogni \
    oggi oppure ora per perché però più po' poco poi possiamo posso potrebbe prima proprio può puoi qua quale quali qualche \
    qualcosa qualcuno quando quanto quella quelle quelli quello questa queste questi questo qui quindi sa sai sarà sarebbe \
    se sei sempre senza si sia siamo siete solo sono sopra sotto sta stai stata stato stiamo sto su sua sue sugli sui sul \
    sulla suo suoi tra tre troppo tu tua tuo tutta tutte tutti tutto un un' una uno va vai vado vedere verso vi via viene \
    voglio voi vorrei vostro vuoi vuole domani ieri penso";

pub(super) const PORTUGUESE: &str = "a à agora ainda algo alguém algum alguma algumas alguns ali antes ao aos apenas aqui \
    aquela aquele aquilo as às assim até bem boa bom cada coisa coisas com como contra da das de dela dele deles depois \
    desde dessa desse desta deste deve devemos dia disse dizer do dois dos duas durante e é ela elas ele eles em enquanto \
    então entre era eram essa essas esse esses esta está estamos estão estar estava este estes estou eu faço faz fazer fez \
    fica ficar foi for foram gente há hoje ir isso isto já la lá lhe lo mais mas me melhor menos mesma mesmo meu meus minha \
    muita muitas muito muitos na nada não nas nem nenhum nessa nesse nesta neste ninguém no nos nós nossa nosso num numa \
    nunca o onde os ou outra outras outro outros para parece pela pelas pelo pelos perto pode podem podemos poder por porque \
    porquê pouco pra primeiro qual quais qualquer quando quanto que quê quem quer quero saber são se sei seja sem sempre \
    sendo ser será seria seu seus si sido só sob sobre sou sua suas também tão tem temos tenho ter teve tinha toda todas \
    todo todos três tu tua tudo um uma umas uns vai vamos vão vez você vocês vou amanhã ontem acho";

pub(super) const DUTCH: &str = "aan al alle alleen alles als altijd ander andere anders ben bent bij bijna binnen boven \
    daar daarna daarom dan dat de deze die dingen dit doe doen doet door dus echt een één eens eerst eigenlijk elk elke en er \
    erg even ga gaan gaat geen gewoon gisteren goed graag haar had hadden heb hebben hebt heeft heel hem hen het hier hij hoe \
    hun iedereen iemand iets ik in is ja jaar je jij jou jouw jullie kan kom komen komt kon kunnen kunt later laten maar maken \
    man me mee meer men met mij mijn misschien moet moeten mogen morgen na naar niet niets nog nooit nu of om omdat onder \
    ons onze ook op over overal paar precies samen sinds snel soms staan staat te tegen toch toen tot tussen twee u uit uw \
    van vandaag vanuit veel verder volgens voor vooral waar waarom wanneer want waren was wat we weer weet weg wel welke werd \
    werden wie wij wil willen wordt worden zal ze zeg zeggen zegt zei zeker zelf zich zie zien zij zijn zit zo zoals zonder \
    zou zouden zullen denk vind drie";
