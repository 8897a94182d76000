/// The page at `/`: a query box, a table and a graph. One file, no script from elsewhere.
enum QueryPage {
    static let bytes = Array(html.utf8)

    private static let html = #"""
        <!doctype html>
        <html lang="en"><head><meta charset="utf-8"><title>tsq</title>
        <meta name="viewport" content="width=device-width">
        <style>
        :root{color-scheme:light dark}
        body{font:15px system-ui,sans-serif;margin:1.5rem auto;max-width:70rem;padding:0 1rem}
        form{display:flex;gap:.5rem;flex-wrap:wrap}
        #q{flex:1 1 30rem;font:inherit;font-family:monospace;padding:.4rem}
        button,select{font:inherit;padding:.4rem .8rem}
        table{border-collapse:collapse;width:100%;margin-top:1rem}
        td,th{border-bottom:1px solid #8884;padding:.25rem .5rem;text-align:left;
        font-family:monospace;font-size:13px;word-break:break-word}
        td:last-child{text-align:right;white-space:nowrap}
        svg{width:100%;height:20rem;margin-top:1rem}
        #m{margin-top:1rem;white-space:pre-wrap}.e{color:#c33}
        </style></head><body>
        <h1>tsq</h1>
        <form id="f"><input id="q" list="n" placeholder="rate(http_requests_total[5m])" autofocus>
        <datalist id="n"></datalist>
        <select id="s"><option value="0">now</option><option value="900">15 minutes</option>
        <option value="3600" selected>1 hour</option><option value="21600">6 hours</option>
        <option value="86400">1 day</option></select><button>Run</button></form>
        <div id="m"></div><div id="g"></div><div id="t"></div>
        <p><a href="api/v1/targets">targets</a> · <a href="metrics">metrics</a> ·
        <a href="api/v1/status/config">configuration</a> · <a href="api/v1/status/tsdb">store</a></p>
        <script>
        const $=i=>document.getElementById(i),esc=s=>String(s).replace(/[&<>"]/g,
        c=>({"&":"&amp;","<":"&lt;",">":"&gt;",'"':"&quot;"})[c]);
        const name=m=>(m.__name__||"")+"{"+Object.entries(m).filter(([k])=>k!="__name__")
        .map(([k,v])=>k+"="+JSON.stringify(v)).join(", ")+"}";
        async function ask(path,body){
        const r=await fetch("api/v1/"+path,{method:"POST",body:new URLSearchParams(body)});
        const j=await r.json();if(j.status!="success")throw Error(j.error);return j}
        function table(rows){$("t").innerHTML="<table>"+rows.map(([n,v])=>
        "<tr><td>"+esc(n)+"<td>"+esc(v)).join("")+"</table>"}
        function graph(series,a,b){
        const W=1000,H=320,L=70,B=24,pts=series.flatMap(s=>s.values.map(v=>+v[1])
        .filter(Number.isFinite));let lo=Math.min(...pts),hi=Math.max(...pts);
        if(!pts.length){$("g").innerHTML="";return}
        if(lo==hi){lo-=1;hi+=1}
        const x=t=>L+(t-a)/(b-a)*(W-L-5),y=v=>5+(hi-v)/(hi-lo)*(H-B-5);
        let o='<svg viewBox="0 0 '+W+" "+H+'" preserveAspectRatio="none">';
        for(let i=0;i<=4;i++){const v=lo+(hi-lo)*i/4;o+='<line x1="'+L+'" x2="'+W+'" y1="'+y(v)+
        '" y2="'+y(v)+'" stroke="#8884"/><text x="2" y="'+(y(v)+4)+
        '" font-size="12" fill="currentColor">'+(+v.toPrecision(4))+"</text>";
        const t=a+(b-a)*i/4;o+='<text x="'+Math.min(x(t)-20,W-60)+'" y="'+(H-6)+
        '" font-size="12" fill="currentColor">'+
        new Date(t*1000).toLocaleTimeString()+"</text>"}
        series.forEach((s,i)=>{let d="",last=0;for(const[t,v]of s.values){if(!isFinite(+v)){last=0;
        continue}d+=(last&&t-last<(b-a)/60?"L":"M")+x(t).toFixed(1)+" "+y(+v).toFixed(1);last=t}
        o+='<path fill="none" stroke-width="1.5" vector-effect="non-scaling-stroke" stroke="hsl('+
        (i*137.5%360)+' 65% 50%)" d="'+d+'"><title>'+esc(name(s.metric))+"</title></path>"});
        $("g").innerHTML=o+"</svg>"}
        $("f").onsubmit=async e=>{e.preventDefault();$("m").className="";$("m").textContent="…";
        $("g").innerHTML=$("t").innerHTML="";const query=$("q").value,s=+$("s").value;
        location.hash=encodeURIComponent(query);
        try{const now=Date.now()/1000,start=performance.now();let j,n;
        if(s){j=await ask("query_range",{query,start:now-s,end:now,step:Math.max(1,s/250)});
        const r=j.data.result.filter(x=>x.values);graph(r.slice(0,100),now-s,now);
        table(r.slice(0,500).map(x=>[name(x.metric),x.values[x.values.length-1][1]]))
        }else{j=await ask("query",{query});const d=j.data;
        table(d.resultType=="vector"?d.result.slice(0,500).map(x=>[name(x.metric),
        x.value?x.value[1]:JSON.stringify(x.histogram[1])]):d.resultType=="matrix"?
        d.result.map(x=>[name(x.metric),x.values.map(v=>v[1]+" @"+v[0]).join("\n")]):
        [["",d.result[1]]])}
        n=Array.isArray(j.data.result)?j.data.result.length:1;
        $("m").textContent=[n+" series in "+(performance.now()-start).toFixed(0)+" ms",
        ...(j.warnings||[]),...(j.infos||[])].join("\n")
        }catch(x){$("m").className="e";$("m").textContent=x.message}};
        fetch("api/v1/label/__name__/values?limit=5000").then(r=>r.json()).then(j=>{
        $("n").innerHTML=(j.data||[]).map(n=>"<option value=\""+esc(n)+"\">").join("")});
        if(location.hash.length>1){$("q").value=decodeURIComponent(location.hash.slice(1));
        $("f").requestSubmit()}
        </script></body></html>
        """#
}
